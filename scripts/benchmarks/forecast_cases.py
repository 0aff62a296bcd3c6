"""The networks that scripts/score_forecast trains, small, on digits and generated sequences.

CALIBRATION: the rule and the numbers of vgp_bench/probe/limits.py were chosen with these, or with near twins of them,
in view. HELD_OUT: written down before the rule was final and not run until it was. It shares the data and most of the
families with the others, so it tests other settings, not other worlds.
"""

_MLP = "architecture.width=64"
_PLAIN = f"{_MLP} activation"
_RESIDUAL = "architecture=residual_mlp architecture.width=64"
_CONSTANT = "initializer=uniform_001 initializer.low=0.1 initializer.high=0.1000001"
_ZERO = "initializer=normal_01 initializer.std=0"
_SEQUENCE = "architecture.hidden=32 images_as"

CALIBRATION = (
    f"{_PLAIN}=sigmoid architecture.depth=3 initializer=xavier_normal",
    f"{_PLAIN}=sigmoid architecture.depth=3 initializer=xavier_normal optimizer=adam",
    f"{_PLAIN}=sigmoid architecture.depth=7 optimizer=adam",
    f"{_PLAIN}=sigmoid architecture.depth=20",
    f"{_PLAIN}=sigmoid architecture.depth=20 optimizer=adam",
    f"{_PLAIN}=relu architecture.depth=5",
    f"{_PLAIN}=relu architecture.depth=20",
    f"{_PLAIN}=relu architecture.depth=50",
    f"{_PLAIN}=relu architecture.depth=10 initializer=pytorch_default",
    f"{_PLAIN}=relu architecture.depth=20 initializer=pytorch_default optimizer=adam",
    f"{_PLAIN}=relu architecture.depth=20 initializer=uniform_001",
    f"{_PLAIN}=tanh architecture.depth=30 initializer=xavier_normal",
    f"{_PLAIN}=tanh architecture.depth=10 initializer=pytorch_default",
    f"{_PLAIN}=sigmoid architecture.depth=20 normalizer=batch",
    f"{_PLAIN}=relu architecture.depth=20 normalizer=batch",
    f"{_RESIDUAL} activation=relu architecture.depth=40",
    f"{_RESIDUAL} activation=relu architecture.depth=40 architecture.residual=depth_scaled",
    f"{_RESIDUAL} activation=relu architecture.depth=40 architecture.residual=fixup",
    f"{_PLAIN}=selu architecture.depth=20 initializer=lecun_normal",
    f"{_PLAIN}=relu architecture.depth=5 initializer=normal_01",
    f"{_PLAIN}=sigmoid architecture.depth=10 initializer=normal_01",
    f"{_PLAIN}=relu architecture.depth=5 {_CONSTANT}",
    f"{_PLAIN}=relu architecture.depth=5 {_ZERO}",
    f"{_PLAIN}=relu architecture.depth=5 initializer.bias_mean=-4",
    f"{_PLAIN}=relu architecture.depth=5 optimizer.lr=1e-7",
    f"{_PLAIN}=relu architecture.depth=5 optimizer.lr=3",
    "architecture=transformer images_as=rows architecture.blocks=2 architecture.width=32 optimizer=adam",
    f"architecture=rnn activation=tanh {_SEQUENCE}=rows",
    f"architecture=rnn activation=tanh {_SEQUENCE}=pixels initializer=pytorch_default optimizer=adam",
    f"architecture=lstm {_SEQUENCE}=rows optimizer=adam",
    "architecture=highway_mlp architecture.width=64 architecture.depth=30",
    "architecture=vit architecture.blocks=2 architecture.width=32 optimizer=adam initializer=xavier_uniform",
    f"architecture=gru {_SEQUENCE}=rows optimizer=adam",
    f"architecture=irnn {_SEQUENCE}=rows optimizer=adam initializer=identity",
    "architecture=rnn activation=tanh architecture.hidden=32 dataset=adding dataset.length=100 optimizer=adam",
    "architecture=rnn activation=tanh architecture.hidden=32 dataset=temporal_order dataset.length=60 optimizer=adam",
    "architecture=gru architecture.hidden=32 dataset=parentheses optimizer=adam optimizer.lr=0.01",
)

HELD_OUT = (
    f"{_PLAIN}=elu architecture.depth=15",
    f"{_PLAIN}=softsign architecture.depth=25 initializer=xavier_uniform",
    f"{_PLAIN}=softsign architecture.depth=25 initializer=pytorch_default",
    f"{_PLAIN}=gelu architecture.depth=30",
    f"{_PLAIN}=gelu architecture.depth=30 initializer=xavier_normal",
    f"{_PLAIN}=hard_sigmoid architecture.depth=12 optimizer=rmsprop",
    f"{_PLAIN}=softplus architecture.depth=12",
    f"{_PLAIN}=leaky_relu architecture.depth=40 initializer=orthogonal",
    f"{_PLAIN}=tanh architecture.depth=60 initializer=orthogonal",
    f"{_PLAIN}=tanh architecture.depth=8 initializer=orthogonal initializer.gain=0.5",
    f"{_PLAIN}=tanh architecture.depth=5 initializer=orthogonal initializer.gain=8",
    f"{_PLAIN}=silu architecture.depth=12 initializer=pytorch_default optimizer=nadam",
    f"{_PLAIN}=relu architecture.depth=12 normalizer=layer",
    f"{_PLAIN}=sigmoid architecture.depth=12 normalizer=layer",
    f"{_PLAIN}=relu architecture.depth=5 schedule=one_cycle",
    f"{_PLAIN}=relu architecture.depth=5 trainer.clip_norm=0.1",
    f"{_PLAIN}=relu architecture.depth=5 optimizer=adam optimizer.lr=1",
    f"{_PLAIN}=relu architecture.depth=5 optimizer=adam optimizer.lr=1e-8",
    f"{_RESIDUAL} activation=tanh architecture.depth=25",
    f"{_RESIDUAL} activation=relu architecture.depth=60 architecture.residual=rezero",
    "architecture=plain_cnn architecture.depth=14 architecture.width=8",
    "architecture=plain_cnn architecture.depth=14 architecture.width=8 activation=sigmoid",
    "architecture=plain_cnn architecture.depth=20 architecture.width=8 initializer=pytorch_default",
    "architecture=resnet architecture.depth=14 architecture.width=8 normalizer=batch",
    "architecture=resnet_preact architecture.depth=14 architecture.width=8 normalizer=group",
    "architecture=densenet architecture.depth=10 architecture.growth=8 normalizer=batch",
    "architecture=transformer images_as=rows architecture.blocks=4 architecture.width=32 architecture.norm=post",
    f"architecture=rnn activation=relu {_SEQUENCE}=rows initializer=uniform_001",
    f"architecture=rnn activation=sigmoid {_SEQUENCE}=pixels",
)
