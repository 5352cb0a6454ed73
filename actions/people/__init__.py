"""Who is who: names, contacts and numbers."""
