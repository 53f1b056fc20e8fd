"""The tf.* functions: thin compositions of the ops of graphcore."""
