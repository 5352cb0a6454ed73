"""Messages to other people and to the owner: email, texts, push."""
