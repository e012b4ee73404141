"""What is to be predicted: kinds of targets, their metrics, and how answers in memory are read."""
