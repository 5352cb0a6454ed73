"""What tako knows about animals: which one is meant, what it may eat, and the answers to what people ask.

The knowledge is in `actions/pets/data`, in TOML, with a source for each answer; here is how it is read and found. Knows
neither requests nor outcomes: `actions.pets.pet_care` does.
"""
