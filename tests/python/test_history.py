"""What a run records, and its picture."""

import sys

import pytest

from lstm_native.history import History


def filled():
    history = History()
    for epoch in range(3):
        history.record(epoch, {"loss": 1.0 / (epoch + 1), "mae": 0.5, "val_loss": 1.0})
    return history


def test_every_name_has_one_value_per_epoch():
    history = filled()
    assert history.epoch == [0, 1, 2]
    assert history.history == {
        "loss": [1.0, 0.5, 1 / 3],
        "mae": [0.5] * 3,
        "val_loss": [1.0] * 3,
    }
    assert history.interrupted is False


def test_an_epoch_with_other_names_changes_nothing():
    history = filled()
    with pytest.raises(ValueError, match="epoch 3 has loss; the epochs before have loss, mae"):
        history.record(3, {"loss": 1.0})
    assert history == filled()


def test_histories_do_not_share_their_lists():
    filled()
    assert History().epoch == []
    assert History().history == {}


def test_plot_writes_a_picture_with_a_panel_per_metric(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "history.png"
    figure = filled().plot(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert set(panels) == {"loss", "mae"}
    assert [line.get_label() for line in panels["loss"].lines] == ["loss", "val_loss"]
    assert list(panels["loss"].lines[0].get_ydata()) == [1.0, 0.5, 1 / 3]


def test_plot_without_path_gives_a_figure_of_pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = filled().plot()
    assert pyplot.gcf() is figure
    pyplot.close(figure)


def test_nothing_trained_nothing_to_plot():
    with pytest.raises(ValueError, match="no epoch was finished"):
        History().plot()


@pytest.mark.parametrize("path", [None, "x.png"])
def test_without_matplotlib_it_says_what_to_install(monkeypatch, path):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'lstm_native\[plot\]'"):
        filled().plot(path)
