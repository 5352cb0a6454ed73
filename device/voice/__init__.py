"""Speech out. `choose.choose_voice` gives the voice that the settings ask for."""
