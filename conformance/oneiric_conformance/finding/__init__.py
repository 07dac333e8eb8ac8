"""Who is to be judged: projects, what they announce, and what stands behind it."""
