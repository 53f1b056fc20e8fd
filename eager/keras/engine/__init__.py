"""The Layer base class, symbolic Keras tensors, and models built from them."""
