"""What other programs left on disk, answered for as a gym would; `directory_gym` is the way in."""
