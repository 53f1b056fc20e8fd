"""What surrounds the generated kernels at run time: call entry, Python path, host callbacks."""
