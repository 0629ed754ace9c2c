"""Responses: a survey's answers, checked against the instrument that asked for them.

Answers are kept once, as the smallest whole numbers that hold them (int8 for every published
scale), so that a million respondents fit in memory; the frames are made from them on request.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.core.arguments import checked
from cte_metrics.core.fingerprint import exact_sums, fingerprint
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.instrument.response_scale import ResponseScale
from cte_metrics.core.survey.answers import missing_mark
from cte_metrics.core.survey.describe import describe
from cte_metrics.core.survey.reading import OnInvalid, Roles, read_survey
from cte_metrics.core.survey.survey import Survey
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names


class Responses:
    """A survey's answers with their instrument, respondents, schools and waves.

    Created by: ``cte_metrics.core.files.ingest.read_responses``,
    ``cte_metrics.simulation.draw.simulate_responses``,
    ``cte_metrics.core.survey.responses.Responses.of``.
    Consumed by: ``cte_metrics.core.door.item_data``, ``cte_metrics.scoring.scores.score``,
    ``cte_metrics.aggregation.school_scores.aggregate``, ``cte_metrics.report.validation.validate``.

    Parameters
    ----------
    frame : DataFrame
        pandas, polars, PyArrow or another eager frame that narwhals reads; one row a respondent
        (and wave). It is never changed.
    instrument : Instrument or str
        What was asked; a name or file as for :func:`load_instrument`.
    respondent, group, wave : str or array, optional
        Column name (or values) of the respondent's identifier, the school, the occasion.
    columns : mapping or sequence, optional
        Column name to item id, or the columns in item order. By default each item's column has
        the item's id as name.
    covariates : sequence of str
        Further columns to keep.
    weights : str or array, optional
        Sampling weights, 0 or more.
    on_invalid : {"raise", "missing"}
        What happens to values that cannot be answers: an error that names them, or they are set
        to missing. Either way they are listed: in the error, or in :attr:`issues`.
    missing_codes : sequence
        Values that mean "no answer", e.g. ``(-99, "N/A")``.
    labels : sequence or mapping, optional
        What the texts of answers mean, beside the labels of the instrument's response scale: a
        list from the lowest to the highest answer, or a mapping of text to code (several texts may
        stand for one code) or of code to text.
    max_invalid : float
        With ``on_invalid="missing"``: greatest share of an item's answers that may be set to
        missing; beyond it the survey is refused. 1 allows all.

    Raises
    ------
    UnknownNameError
        If a named column, or the column of an item, does not exist.
    InputError
        If ``on_invalid="raise"`` and an answer is out of range, no whole number or an unknown
        text, or a respondent appears twice in a wave; if more of an item's answers than
        ``max_invalid`` would be set to missing; if the frame has no rows.
    InputTypeError
        If ``frame`` is no eager frame, or a column can hold no answers.

    Notes
    -----
    Empty answers are allowed and stay missing. Listed but never refused: rows without any answer,
    rows without school, wave or respondent, declared missing codes (one entry for each code and
    column), columns that mix numbers and texts. Two rows of one respondent in one wave stay both
    when ``on_invalid="missing"``; both count in school scores.

    An answer may state its number and its text ("5 - Strongly agree", "Strongly agree (5)"): it is
    read by the number where the two go together throughout the column and contradict no label.
    Whole numbers that name schools, respondents or waves stay whole also beside gaps.

    Answers are stored as the smallest integer type that holds the codes (int8 for scales within
    -127 to 127), an eighth of their size as float64.

    Examples
    --------
    >>> import pandas as pd
    >>> from cte_metrics import Instrument, Item, ResponseScale
    >>> items = [Item("a"), Item("b", reverse=True)]
    >>> mini = Instrument("mini", "Mini", "1", ResponseScale(1, 5), items)
    >>> survey = Responses(pd.DataFrame({"a": [5, 4], "b": [1, None]}), mini)
    >>> survey.keyed["b"].tolist()
    [5.0, nan]
    >>> Responses(pd.DataFrame({"a": [5, 4], "b": [1, 7]}), mini)
    Traceback (most recent call last):
    ...
    cte_metrics.errors.InputError: 1 entry of the survey cannot be used. Column 'b', row 1: 7 is \
outside 1 to 5.
    <BLANKLINE>
    Hint: Correct the data; or name codes that stand for no answer in missing_codes; or pass \
on_invalid='missing' to set such answers to missing and list them in .issues.
    """

    __slots__ = ("_survey",)
    _survey: Survey

    @checked
    def __init__(
        self,
        frame: Any,
        instrument: Instrument | str,
        *,
        respondent: Any = None,
        group: Any = None,
        wave: Any = None,
        columns: Mapping[Any, str] | Sequence[Any] | None = None,
        covariates: str | Iterable[str] = (),
        weights: Any = None,
        on_invalid: OnInvalid = "raise",
        missing_codes: Any = (),
        labels: Sequence[str] | Mapping[Any, Any] | None = None,
        max_invalid: float = 0.5,
    ) -> None:
        survey = read_survey(
            frame,
            instrument,
            Roles(respondent, group, wave, columns, covariates, weights),
            on_invalid=on_invalid,
            missing_codes=missing_codes,
            labels=labels,
            max_invalid=max_invalid,
        )
        object.__setattr__(self, "_survey", survey)

    @classmethod
    def of(cls, survey: Survey) -> Responses:
        """Wrap a survey that has been read already."""
        self = cls.__new__(cls)
        object.__setattr__(self, "_survey", survey)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse changes: responses are frozen."""
        raise AttributeError(
            f"Responses are frozen; {name!r} cannot be set. Build new ones, or use .where()."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Responses.of, (self._survey,)

    def __len__(self) -> int:
        return len(self._survey.index)

    def __repr__(self) -> str:
        return describe(self._survey)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    @property
    def instrument(self) -> Instrument:
        """What was asked."""
        return self._survey.instrument

    @property
    def items(self) -> pd.DataFrame:
        """Raw answers: a new float64 frame (n, k) with item ids as columns, nan where missing."""
        return self._frame(keyed=False)

    @property
    def keyed(self) -> pd.DataFrame:
        """Answers after reverse scoring (minimum + maximum - answer); as :attr:`items`."""
        return self._frame(keyed=True)

    @property
    def respondent(self) -> pd.Series | None:
        """Identifier of each row's respondent; ``None`` if the caller named no column."""
        return _copy(self._survey.respondent)

    @property
    def group(self) -> pd.Series | None:
        """School of each row, or ``None``."""
        return _copy(self._survey.group)

    @property
    def wave(self) -> pd.Series | None:
        """Wave of each row, or ``None``."""
        return _copy(self._survey.wave)

    @property
    def weights(self) -> pd.Series | None:
        """Sampling weight of each row, or ``None``."""
        return _copy(self._survey.weights)

    @property
    def covariates(self) -> pd.DataFrame:
        """Further columns; none when the caller named none."""
        return self._survey.covariates.copy()

    @property
    def issues(self) -> pd.DataFrame:
        """What could not be used as it stood: row, respondent, column, value, problem.

        ``row`` is the row's label in the caller's frame, ``None`` for an entry about a column.
        """
        return self._survey.issues.copy()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of any figure from these answers must know."""
        return self._survey.notes

    @property
    def simulated(self) -> bool:
        """Whether the answers were drawn by a computer."""
        return self._survey.simulated

    @property
    def n_respondents(self) -> int:
        """Number of persons: distinct respondents where they are named, otherwise rows."""
        return self._survey.n_respondents

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self._survey.codes.shape[1])

    @property
    def n_groups(self) -> int:
        """Number of schools; 0 where none are named."""
        return self._survey.n_groups

    @property
    def waves(self) -> tuple[Any, ...]:
        """Waves in order; empty where none are named."""
        return self._survey.waves

    @checked
    def answers(self, *, keyed: bool = True) -> np.ndarray:
        """Return the answers as an array (n, k): whole numbers if complete, else float64 with nan.

        The compact form of :attr:`keyed` and :attr:`items`. Whole numbers are of the smallest
        type that holds the codes: convert before multiplying.
        """
        codes = self._survey.codes
        absent = codes == missing_mark(codes.dtype)
        if not absent.any():
            out = codes.copy(order="F")
        else:
            out = codes.astype(np.float64, order="F")
            out[absent] = np.nan
        if keyed:
            for j, item in enumerate(self.instrument.items):
                if item.reverse:
                    out[:, j] = _reversed(out[:, j], self.instrument.scale_of(item.id))
        return out

    def _frame(self, *, keyed: bool) -> pd.DataFrame:
        values = self.answers(keyed=keyed).astype(np.float64, order="F", copy=False)
        return pd.DataFrame(
            values,
            index=self._survey.index.view(),
            columns=list(self.instrument.item_ids),
            copy=False,
        )

    @checked
    def to_frame(self, *, keyed: bool = False) -> pd.DataFrame:
        """Return respondent, school, wave, weight, covariates and answers side by side.

        Answers are whole numbers here (pandas' ``Int64``, ``<NA>`` where missing), as one would
        write them to a file.
        """
        roles = [self._survey.respondent, self._survey.group, self._survey.wave]
        parts = [part for part in (*roles, self._survey.weights) if part is not None]
        answers = self._frame(keyed=keyed).astype("Int64")
        whole = pd.concat([*parts, self.covariates, answers], axis=1)
        return whole.set_axis(self._survey.index.view(), axis=0)

    @checked
    def for_subscale(self, id: str) -> Responses:
        """Return the answers to one subscale's items.

        Raises
        ------
        UnknownNameError
            If the instrument has no such subscale.
        """
        part = self.instrument.for_subscale(id)
        chosen = [self.instrument.item_ids.index(i) for i in part.item_ids]
        codes = np.asfortranarray(self._survey.codes[:, chosen])
        return Responses.of(replace(self._survey, instrument=part, codes=codes))

    def fingerprint(self, *, key: str | bytes | None = None) -> str:
        """Return a digest by which two people can tell whether they hold the same answers.

        Parameters
        ----------
        key : str or bytes, optional
            A secret shared by those who compare fingerprints.

        Returns
        -------
        str
            32 hexadecimal digits. The order of rows and items, the kind of frame and the way the
            answers were read do not matter; nor do schools, waves and covariates, which are no
            part of it. ``Moments.from_data(..., missing="pairwise")`` gives the same; of several
            waves it takes the last, unless they are pooled.

        Raises
        ------
        InputError
            If fewer than five respondents answered and there is no ``key``.

        Notes
        -----
        It is made of counts and sums of the answers after reverse scoring, by a slow digest, and
        no answer can be read off it. But who knows all answers except a few can try what those
        may be, a twentieth of a second each, and see which trial fits: a fingerprint that strangers
        will see wants a ``key``. Different answers with the same counts, sums and products have
        the same fingerprint.

        Examples
        --------
        >>> from cte_metrics import load_example
        >>> survey = load_example().at_wave(1)
        >>> survey.fingerprint() == survey.where(survey.group != "school_01").fingerprint()
        False
        """
        return fingerprint(self.instrument.item_ids, exact_sums(self.answers()), key)

    def as_simulated(self, note: str) -> Responses:
        """Return the same answers marked as drawn by a computer, with a note that says so."""
        marked = replace(self._survey, simulated=True, notes=(note, *self._survey.notes))
        return Responses.of(marked)

    def where(self, mask: Any) -> Responses:
        """Return the rows for which ``mask`` is true.

        Parameters
        ----------
        mask : array or Series of bool (n,)
            In row order.

        Raises
        ------
        InputTypeError
            If the mask is not true or false throughout.
        InputError
            If it has another length, or no row is left.
        """
        keep = np.asarray(mask)
        if keep.dtype != np.bool_:
            raise InputTypeError(
                f"A mask holds true or false for each row; got values of type {keep.dtype}."
            )
        if keep.shape != (len(self),):
            raise InputError(f"The mask has shape {keep.shape}; there are {len(self)} rows.")
        if not keep.any():
            raise InputError("The mask leaves no row.")
        return Responses.of(self._survey.at(np.flatnonzero(keep)))

    def pooled(self) -> Responses:
        """Return the same rows, to be analysed together although they are of several waves.

        Analyses that take rows for independent respondents use the last wave of a survey with
        several, and say so; of pooled responses they use every row. A person who answered twice
        then counts twice: standard errors are too small, and what differs between waves adds to
        the variances.

        Examples
        --------
        >>> from cte_metrics import load_example
        >>> from cte_metrics.reliability import cronbach_alpha
        >>> survey = load_example()
        >>> cronbach_alpha(survey).n_respondents == len(survey.at_wave(survey.waves[-1]))
        True
        >>> cronbach_alpha(survey.pooled()).n_respondents > len(survey.at_wave(survey.waves[-1]))
        True
        """
        return Responses.of(replace(self._survey, pooled=True))

    def analysed_rows(self) -> np.ndarray:
        """Return which rows an analysis of independent respondents takes, (n,) bool."""
        waves = self.waves
        if len(waves) < 2 or self._survey.pooled:
            return np.ones(len(self), dtype=bool)
        return np.asarray((self._survey.wave == waves[-1]).to_numpy(dtype=bool))

    def analysed(self) -> Responses:
        """Return the rows of :meth:`analysed_rows`, with a note where there are several waves."""
        waves = self.waves
        if len(waves) < 2:
            return self
        if self._survey.pooled:
            note = (
                f"The rows of {len(waves)} waves were pooled, as asked: answers of one respondent "
                "count as those of several, and standard errors that take rows for independent "
                "are too small."
            )
            return Responses.of(replace(self._survey, notes=(*self._survey.notes, note)))
        part = self.where(self.analysed_rows())
        note = (
            f"There are {len(waves)} waves; the last, {waves[-1]!r}, was analysed ({len(part)} of "
            f"{len(self)} rows). at_wave() takes another one, pooled() all rows together."
        )
        return Responses.of(replace(part._survey, notes=(*part._survey.notes, note)))

    @checked
    def at_wave(self, wave: Hashable) -> Responses:
        """Return the rows of one wave.

        Raises
        ------
        UnknownNameError
            If there is no such wave.
        """
        column = self._survey.wave
        if column is None:
            raise UnknownNameError("The responses have no waves.", hint="Pass wave= when reading.")
        if wave not in self.waves:
            raise UnknownNameError(
                f"There is no wave {wave!r}.{close_names(wave, self.waves)}",
                hint=f"The waves are: {', '.join(repr(w) for w in self.waves)}.",
            )
        return self.where((column == wave).to_numpy(dtype=bool))


def _reversed(values: np.ndarray, scale: ResponseScale) -> np.ndarray:
    """Return minimum + maximum - answer, computed where the sum cannot overflow."""
    wide = values.astype(np.int64) if values.dtype.kind == "i" else values
    return scale.minimum + scale.maximum - wide


def _copy(series: pd.Series | None) -> pd.Series | None:
    return None if series is None else series.copy()
