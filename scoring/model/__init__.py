"""What an ONNX file wants, how columns feed it, and what comes out. The only room with onnx and onnxruntime."""
