"""Converts PyTorch models (``.pt``, ``.pth``, ``.pt2``, ``.safetensors``) to ONNX, verified.

The steps, one module each, data moving one way only::

    sniff    what kind of file is it?           from its bytes; nothing is unpickled, PyTorch isn't imported
    inputs   which inputs, of which sizes?      from --input, or from what the file itself says
    load     a callable PyTorch model           TorchScript, exported program, pickled module, weights + factory
    export   candidates for the ONNX model      several exporters, in order of trust
    verify   the same numbers as PyTorch?       at the example sizes and at others for each dynamic dimension
    write    one file                           metadata, no local paths, temporary name, then rename

:mod:`ingot_convert.pipeline` runs them; :mod:`ingot_convert.cli` is the command line, ``python -m ingot_convert``.
"""

__version__ = "0.1.0"
