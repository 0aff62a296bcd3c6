"""RNN, IRNN, LSTM and GRU: torch's own numbers, the fused kernel against the transparent cell, stages and gradients."""

import inspect
from functools import partial

import pytest
import torch
import yaml
from torch import nn

from tests.composing import names_on_disk
from tests.recurrent_networks import (
    ALL,
    EVERY_STEP,
    FEATURES,
    FUSED,
    HIDDEN,
    LENGTH,
    OUTPUTS,
    RELU,
    SHAPE,
    TANH,
    gradients,
    some_loss,
)
from vgp_bench.architectures.gru import GRU
from vgp_bench.architectures.lstm import LSTMCell
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent_layer import RecurrentLayer
from vgp_bench.architectures.rnn import RNN
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.normalizers import (
    NoNormalizer,
)
from vgp_bench.config import config_dir
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.making import make

FORMS = [(1, False), (3, False), (1, True), (3, True)]


@pytest.mark.parametrize("shape", [SHAPE, EVERY_STEP])
@pytest.mark.parametrize(("layers", "bidirectional"), FORMS)
@pytest.mark.parametrize("name", FUSED)
def test_the_fused_and_the_transparent_cell_agree(name, layers, bidirectional, shape):
    model = FUSED[name][0](shape, hidden=HIDDEN, layers=layers, bidirectional=bidirectional).double()
    inputs = torch.randn(4, LENGTH, FEATURES, dtype=torch.float64)
    assert all(layer.directions[0].kernel for layer in model.layers)
    fused, (transparent, _) = model(inputs), model.unrolled(inputs)
    torch.testing.assert_close(fused, transparent, rtol=1e-10, atol=1e-10)
    expected = gradients(model, some_loss(transparent))
    for parameter, gradient in gradients(model, some_loss(fused)).items():
        torch.testing.assert_close(gradient, expected[parameter], rtol=1e-10, atol=1e-10, msg=parameter)


@pytest.mark.parametrize(("layers", "bidirectional"), FORMS)
@pytest.mark.parametrize("name", FUSED)
def test_torchs_own_module_gives_the_same_from_the_same_weights(name, layers, bidirectional):
    build, torchs = FUSED[name]
    model = build(SHAPE, hidden=HIDDEN, layers=layers, bidirectional=bidirectional).double()
    reference = torchs(FEATURES, HIDDEN, layers, batch_first=True, bidirectional=bidirectional).double()
    cells = [(depth, cell) for depth, layer in enumerate(model.layers) for cell in layer.directions]
    with torch.no_grad():
        for index, (depth, cell) in enumerate(cells):
            suffix = f"l{depth}" + ("_reverse" if bidirectional and index % 2 else "")
            for ours, theirs in ((cell.input_to_hidden, "ih"), (cell.hidden_to_hidden, "hh")):
                ours.weight.copy_(reference.get_parameter(f"weight_{theirs}_{suffix}"))
                ours.bias.copy_(reference.get_parameter(f"bias_{theirs}_{suffix}"))
    inputs = torch.randn(4, LENGTH, FEATURES, dtype=torch.float64)
    _, last = reference(inputs)
    h = last[0] if isinstance(last, tuple) else last  # (layers * directions, n, hidden)
    directions = 2 if bidirectional else 1
    expected = model.output[-1](torch.cat(list(h[-directions:]), dim=-1))
    torch.testing.assert_close(model(inputs), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model.unrolled(inputs)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("layers", "bidirectional"), FORMS)
@pytest.mark.parametrize("name", ALL)
def test_stages_feed_each_other_and_every_parameter_gets_a_gradient(name, layers, bidirectional):
    model = ALL[name](SHAPE, hidden=HIDDEN, layers=layers, bidirectional=bidirectional)
    stages, fed, given = model.stages(), [], []
    for stage in stages:
        stage.module.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0]))
        stage.module.register_forward_hook(lambda _, __, output: given.append(output))
    outputs = model(torch.randn(4, LENGTH, FEATURES))
    assert outputs.shape == (4, OUTPUTS)
    assert given[-1] is outputs
    assert all(after is before for after, before in zip(fed[1:], given[:-1], strict=True))
    assert all(h.shape == (4, LENGTH, HIDDEN * (1 + bidirectional)) for h in given[:-1])
    assert [stage.depth for stage in stages] == list(range(1, layers + 2))
    # W_x and W_h of each direction
    assert [len(stage.weights()) for stage in stages] == [2 * (1 + bidirectional)] * layers + [1]
    for parameter, gradient in gradients(model, some_loss(outputs)).items():
        assert torch.isfinite(gradient).all(), parameter
        assert gradient.any(), parameter


@pytest.mark.parametrize("name", ALL)
def test_an_answer_at_every_step_knows_the_past_only(name):
    model = ALL[name](EVERY_STEP, hidden=HIDDEN).double()
    inputs = torch.randn(2, LENGTH, FEATURES, dtype=torch.float64, requires_grad=True)
    outputs = model(inputs)
    assert outputs.shape == (2, LENGTH, OUTPUTS)
    (gradient,) = torch.autograd.grad(outputs[:, 3].sum(), inputs)
    seen = gradient.abs().sum(dim=(0, 2)) > 0
    assert seen.tolist() == [True] * 4 + [False] * (LENGTH - 4)


@pytest.mark.parametrize("name", ALL)
def test_both_directions_have_read_the_whole_sequence_before_they_answer(name):
    model = ALL[name](SHAPE, hidden=HIDDEN, bidirectional=True).double()
    inputs = torch.randn(2, LENGTH, FEATURES, dtype=torch.float64, requires_grad=True)
    states = model.layers(inputs)
    read = model.output[0](states)
    for part in (read[:, :HIDDEN], read[:, HIDDEN:]):
        (gradient,) = torch.autograd.grad(part.sum(), inputs, retain_graph=True)
        assert (gradient.abs().sum(dim=(0, 2)) > 0).all()


@pytest.mark.parametrize("name", ALL)
def test_unrolled_states_are_those_of_the_layers_and_in_the_graph(name):
    model = ALL[name](SHAPE, hidden=HIDDEN, layers=2, bidirectional=True).double()
    inputs = torch.randn(3, LENGTH, FEATURES, dtype=torch.float64)
    seen = {}
    for stage in model.stages():
        stage.module.register_forward_hook(lambda _, __, output, name=stage.name: seen.update({name: output}))
    model(inputs)
    first, last = seen["layer_1"], seen["layer_2"]
    outputs, hidden = model.unrolled(inputs)
    places = [(states.layer, states.direction) for states in hidden]
    assert places == [(layer, d) for layer in ("layer_1", "layer_2") for d in ("forward", "backward")]
    for index, states in enumerate(hidden):
        of_layer = (first, last)[index // 2][..., (index % 2) * HIDDEN :][..., :HIDDEN]
        torch.testing.assert_close(torch.stack(states.states, 1), of_layer, rtol=1e-10, atol=1e-10)
        assert len(states.cells) == (LENGTH if name.startswith("lstm") else 0)
    below = [h for states in hidden[:2] for h in states.states]
    assert all(g.any() for g in torch.autograd.grad(outputs.sum(), below, retain_graph=True))


@pytest.mark.parametrize("name", ["rnn tanh", "rnn relu", "gru"])
def test_the_gradient_of_a_state_is_the_total_derivative(name):
    """The same by hand: a number added to h_t changes the loss as much as all later steps make of it."""
    model = ALL[name](SHAPE, hidden=HIDDEN).double()
    inputs = torch.randn(1, LENGTH, FEATURES, dtype=torch.float64)
    outputs, (seen,) = model.unrolled(inputs)
    (gradient,) = torch.autograd.grad(some_loss(outputs), [seen.states[2]])
    cell = model.layers[0].directions[0]

    def loss_from(h):
        for from_input in cell.input_to_hidden(inputs).unbind(1)[3:]:
            (h,) = cell.step(from_input, (h,))
        return some_loss(model.output[-1](h))

    step = 1e-6
    for unit in range(HIDDEN):
        push = step * nn.functional.one_hot(torch.tensor([unit]), HIDDEN)
        slope = (loss_from(seen.states[2] + push) - loss_from(seen.states[2] - push)) / (2 * step)
        assert slope.item() == pytest.approx(gradient[0, unit].item(), rel=1e-5, abs=1e-9)


def test_dropout_acts_between_layers_and_the_unrolled_cell_drops_the_same():
    model = GRU(SHAPE, RELU, hidden=HIDDEN, layers=2, dropout=0.5).double()
    inputs = torch.randn(4, LENGTH, FEATURES, dtype=torch.float64)
    assert not torch.equal(model(inputs), model(inputs))
    torch.manual_seed(1)
    fused = model(inputs)
    torch.manual_seed(1)
    torch.testing.assert_close(model.unrolled(inputs)[0], fused, rtol=1e-10, atol=1e-10)
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


def test_a_chosen_activation_is_the_only_one_that_is_measured():
    count = {name: len(activation_modules(build(SHAPE, hidden=HIDDEN))) for name, build in ALL.items()}
    assert {name for name, n in count.items() if n} == {n for n in ALL if "rnn" in n or "candidate" in n}
    assert count["lstm candidate"] == 2
    assert count["gru candidate"] == 1


@pytest.mark.parametrize("name", ["rnn tanh", "rnn relu"])
def test_looking_at_activations_does_not_change_how_they_are_computed(name):
    model, calls = ALL[name](SHAPE, hidden=HIDDEN), []
    for module in [*activation_modules(model), *(stage.module for stage in model.stages())]:
        module.register_forward_hook(lambda module, _, __: calls.append(module))
    model(torch.randn(2, LENGTH, FEATURES))
    assert calls == [stage.module for stage in model.stages()]  # still fused


@pytest.mark.parametrize("activation", names_on_disk("activation"))
def test_an_rnn_takes_every_activation(activation):
    option = yaml.safe_load((config_dir() / "activation" / f"{activation}.yaml").read_text())
    model = RNN(SHAPE, Parts(partial(make, option), NoNormalizer()), hidden=HIDDEN)
    inputs = torch.randn(4, LENGTH, FEATURES)
    outputs, (seen,) = model.unrolled(inputs)
    torch.testing.assert_close(model(inputs), outputs)
    expected = make(option)(model.layers[0].directions[0].input_to_hidden(inputs[:, 0]) + hidden_bias(model))
    torch.testing.assert_close(seen.states[0], expected)
    for parameter, gradient in gradients(model, some_loss(outputs)).items():
        assert torch.isfinite(gradient).all(), parameter


def hidden_bias(model):
    return model.layers[0].directions[0].hidden_to_hidden.bias


@pytest.mark.parametrize("architecture", ["rnn", "irnn", "lstm", "gru"])
def test_the_keys_of_the_file_are_those_of_the_class(architecture):
    option = yaml.safe_load((config_dir() / "architecture" / f"{architecture}.yaml").read_text())
    model = make(option, sequence=SHAPE, parts=TANH)
    defaults = {
        key: parameter.default
        for key, parameter in inspect.signature(type(model)).parameters.items()
        if key not in ("sequence", "parts")
    }
    assert {key: value for key, value in option.items() if key != "_target_"} == defaults


def test_the_fused_kernel_is_used_where_there_is_one():
    fused = {name for name, build in ALL.items() if build(SHAPE, hidden=HIDDEN).layers[0].directions[0].kernel}
    assert fused == set(FUSED)
    calls = []
    layer = RecurrentLayer([LSTMCell(FEATURES, HIDDEN, RELU, True, "tanh")], 0.0)
    layer.cells[0].step = lambda *_: calls.append(1)  # would fail: the kernel needs no step
    layer(torch.randn(2, LENGTH, FEATURES))
    assert not calls


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", ["rnn", "irnn", "lstm", "gru"])
def test_cudnn_and_the_transparent_cell_are_equal_on_a_gpu(name, bidirectional):
    option = yaml.safe_load((config_dir() / "architecture" / f"{name}.yaml").read_text())
    keys = {**option, "hidden": 16, "layers": 2, "bidirectional": bidirectional}
    torch.manual_seed(0)
    model = make(keys, sequence=SequenceShape(9, 3, 4), parts=Parts(nn.Tanh, NoNormalizer()))
    model.finish_initialization()
    for moved in (model.cuda(), model.double()):
        inputs = torch.randn(5, 9, 3, device="cuda", dtype=next(moved.parameters()).dtype)
        fused, (transparent, _) = moved(inputs), moved.unrolled(inputs)
        tolerance = {"rtol": 1e-4, "atol": 1e-5}
        torch.testing.assert_close(fused, transparent, **tolerance)
        both = [torch.autograd.grad(out.square().sum(), list(moved.parameters())) for out in (fused, transparent)]
        for one, other in zip(*both, strict=True):
            torch.testing.assert_close(one, other, **tolerance)
