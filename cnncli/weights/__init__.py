"""Reading and writing other people's weights."""
