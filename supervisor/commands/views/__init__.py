"""What commands print, apart from asking for it."""
