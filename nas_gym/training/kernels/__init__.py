"""The operations of a network over members that lie side by side, forward and backward."""
