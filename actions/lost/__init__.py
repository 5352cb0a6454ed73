"""Lost and found things."""
