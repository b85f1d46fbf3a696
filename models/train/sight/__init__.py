"""Teaches a published detector of people to find heads as well, without changing what it says of people."""
