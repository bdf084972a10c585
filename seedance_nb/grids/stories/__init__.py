"""Stories: shots that follow one another, each from the last frame of the one before."""
