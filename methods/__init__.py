"""The methods, one small file each."""
