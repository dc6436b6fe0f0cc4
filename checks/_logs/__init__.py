"""Reading logs line by line: files through their rotation, patterns of files, the journal."""
