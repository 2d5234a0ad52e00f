"""How the network that the package brings was made: from synthetic series alone.

    python -m lstm_native.forecast.pretraining pretrained.safetensors

writes the very file of the package, on any processor with fused multiply-adds.
"""
