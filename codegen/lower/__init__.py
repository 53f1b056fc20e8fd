"""From graphs to loop IR: one strategy per kind of op, never per name."""
