"""Writes what several converted files have in common once, as a family with small host files.

What is written is read again, and must say the same as the files converted one by one.
"""
