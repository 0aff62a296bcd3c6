"""The pictures that claims share: predicted line against measured points."""
