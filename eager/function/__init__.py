"""tf.function: tracing, signatures, compiled functions, and the ledger of what happened."""
