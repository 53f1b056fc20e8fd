"""The disk cache: native code of graphs, found again by the graph as it was traced, without passes and without LLVM."""
