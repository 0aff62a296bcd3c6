"""What all figures share: panels, axes, curves, colours and words."""
