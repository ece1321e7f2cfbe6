"""Training sets: joined as of a time, checked for leaks, and parted into train, validation and test."""
