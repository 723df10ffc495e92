"""The commands, each imported only when it is called."""

import importlib

import click

from charlm import __version__

# Each command is the click command named `command` in the file of its name beside this one, imported when it is called.
COMMANDS = {
    "train": "Train a model on a corpus and leave a run directory.",
    "sample": "Write text with a trained model, one character at a time.",
    "eval": "Measure how well a trained model predicts a text.",
    "score": "Show how much each line or character surprises a model.",
    "export": "Write a model for PyTorch, ONNX or a browser.",
    "novelty": "Tell whether a model copies the text that it was trained on.",
    "inspect": "Show what the units of a network do, as a page.",
    "info": "Show what a checkpoint holds.",
    "plot": "Plot the losses of runs, in the terminal or as a picture.",
    "runs": "List runs, and show where two configurations differ.",
    "gradflow": "Show how a gradient fades or explodes through time.",
    "gradcheck": "Check every gradient of a configuration by finite differences.",
    "config": "Print the configuration's keys, defaults and meanings.",
    "corpus": "Tell what a text is like before a model is trained on it.",
    "data": "Fetch well-known public corpora, and make texts that test memory.",
    "bench": "Measure the speed of training on this machine.",
}


class Group(click.Group):
    """A group whose complaints name the command that they are about."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and say which one it was where click does not."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if error.ctx is None and (command := self.get_command(ctx, str(ctx.invoked_subcommand))):
                error.ctx = click.Context(command, ctx, ctx.invoked_subcommand)
            raise


class LazyGroup(Group):
    """A group of the commands in `COMMANDS` that imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, or return None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"charlm.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, or suggest one that is spelt much like it."""
        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        from charlm.phrases import suggestion

        hint = suggestion(args[0], COMMANDS) or f"; choose one of {', '.join(COMMANDS)}."
        raise click.UsageError(f"No such command {args[0]!r}{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog="`charlm COMMAND --help` explains a command. "
    "With CHARLM_DEBUG=1 in the environment, error messages come with a traceback.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.version_option(__version__, prog_name="charlm", message="%(prog)s %(version)s")
def root() -> None:
    """Train character-level language models on your own text, and sample from them."""
