"""What pytest loads at start-up. In a run that does not ask for us it adds its options and nothing else."""
