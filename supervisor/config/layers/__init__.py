"""A service file together with the files that it extends and the fragments beside it.

Few files have others. `whole` imports the rest of this folder for those alone.
"""
