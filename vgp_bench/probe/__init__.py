"""A network before its training: signal and gradient by depth, what a checklist finds, and whether it will train."""
