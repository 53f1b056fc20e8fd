"""The pool of threads that kernels of many chunks run on: its code, its state, how many threads it has."""
