"""How a manifest and what it lists get here."""
