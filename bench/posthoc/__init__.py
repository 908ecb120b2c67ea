"""What is done with a stored run: replay, re-score, diagnose, export."""
