"""What the checks of single files share: their names, ages and contents."""
