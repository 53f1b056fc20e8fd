"""LLVM text: builders of modules and functions, and the handler of scalar bodies."""
