"""Small helpers that know nothing of cbench."""
