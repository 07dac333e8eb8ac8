"""What a check works with: its bench, the component in its hands, examples and faults."""
