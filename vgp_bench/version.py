"""The version, in a module that imports nothing: who only needs it need not import the package's interface."""

__version__ = "0.1.0"
