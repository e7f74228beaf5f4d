"""What goes by itself."""
