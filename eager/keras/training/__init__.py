"""compile, fit, evaluate, predict: what tf.keras.Model adds to Layer."""
