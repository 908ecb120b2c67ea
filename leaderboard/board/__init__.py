"""The board: stored runs as a folder of static pages that opens from a file, without server or network."""
