"""Shops, links and the shopping list; nothing here can pay."""
