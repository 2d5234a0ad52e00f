"""The main job: forecast a series, and show on its held-out tail how good the forecast is.

`lstm-native forecast` is this package's face. From Python:

    from lstm_native.forecast import job, series

    result = job.run(series.read_csv("sales.csv"), job.Wishes(horizon=6))
"""
