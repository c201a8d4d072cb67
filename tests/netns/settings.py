"""What run.py was told, for all other modules."""

# The program under test.
PROGRAM = ""
# By how much time limits are stretched, for builds with sanitizers.
SLOW = 1.0
