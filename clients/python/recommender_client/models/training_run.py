from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.failure import Failure, check_failure
from ..models.run_state import RunState, check_run_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.figures import Figures
    from ..models.progress import Progress
    from ..models.training_options import TrainingOptions


T = TypeVar("T", bound="TrainingRun")


@_attrs_define
class TrainingRun:
    """A training: what was asked for, how far it is, what it came to.

    Attributes:
        id (int):
        state (RunState): How far a run is, or how it ended.
        requested_by (str): Who asked: a key by its prefix, or a command line
        requested_at (datetime.datetime):
        started_at (datetime.datetime | None):
        finished_at (datetime.datetime | None):
        holder (None | str): Host and process that train
        heartbeat_at (datetime.datetime | None): When that process last gave a sign of life
        options (TrainingOptions): What a training is asked to do.
        progress (Progress):
        version (None | str): The model that was made, published or refused
        figures (Figures | None): How the candidate did on the gate users beside popularity and the model that was
            active, and what the gate says to that
        error (None | str): Why the run failed or stopped, and what to do
        failure (Failure | None | Unset): Why it failed, in one word; after `input` and `error` the same training would
            fail again
        retry_at (datetime.datetime | None | Unset): When the process that trains at an interval tries again
    """

    id: int
    state: RunState
    requested_by: str
    requested_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    holder: None | str
    heartbeat_at: datetime.datetime | None
    options: TrainingOptions
    progress: Progress
    version: None | str
    figures: Figures | None
    error: None | str
    failure: Failure | None | Unset = UNSET
    retry_at: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.figures import Figures  # noqa: PLC0415

        id = self.id

        state: str = self.state

        requested_by = self.requested_by

        requested_at = self.requested_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        holder: None | str
        holder = self.holder

        heartbeat_at: None | str
        if isinstance(self.heartbeat_at, datetime.datetime):
            heartbeat_at = self.heartbeat_at.isoformat()
        else:
            heartbeat_at = self.heartbeat_at

        options = self.options.to_dict()

        progress = self.progress.to_dict()

        version: None | str
        version = self.version

        figures: dict[str, Any] | None
        if isinstance(self.figures, Figures):
            figures = self.figures.to_dict()
        else:
            figures = self.figures

        error: None | str
        error = self.error

        failure: None | str | Unset
        if isinstance(self.failure, Unset):
            failure = UNSET
        elif isinstance(self.failure, str):
            failure = self.failure
        else:
            failure = self.failure

        retry_at: None | str | Unset
        if isinstance(self.retry_at, Unset):
            retry_at = UNSET
        elif isinstance(self.retry_at, datetime.datetime):
            retry_at = self.retry_at.isoformat()
        else:
            retry_at = self.retry_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "state": state,
                "requested_by": requested_by,
                "requested_at": requested_at,
                "started_at": started_at,
                "finished_at": finished_at,
                "holder": holder,
                "heartbeat_at": heartbeat_at,
                "options": options,
                "progress": progress,
                "version": version,
                "figures": figures,
                "error": error,
            }
        )
        if failure is not UNSET:
            field_dict["failure"] = failure
        if retry_at is not UNSET:
            field_dict["retry_at"] = retry_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.figures import Figures  # noqa: PLC0415
        from ..models.progress import Progress  # noqa: PLC0415
        from ..models.training_options import TrainingOptions  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        state = check_run_state(d.pop("state"))

        requested_by = d.pop("requested_by")

        requested_at = datetime.datetime.fromisoformat(d.pop("requested_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        def _parse_holder(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        holder = _parse_holder(d.pop("holder"))

        def _parse_heartbeat_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                heartbeat_at_type_0 = datetime.datetime.fromisoformat(data)

                return heartbeat_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        heartbeat_at = _parse_heartbeat_at(d.pop("heartbeat_at"))

        options = TrainingOptions.from_dict(d.pop("options"))

        progress = Progress.from_dict(d.pop("progress"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        def _parse_figures(data: object) -> Figures | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                figures_type_0 = Figures.from_dict(data)

                return figures_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Figures | None, data)

        figures = _parse_figures(d.pop("figures"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        def _parse_failure(data: object) -> Failure | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                failure_type_0 = check_failure(data)

                return failure_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None | Unset, data)

        failure = _parse_failure(d.pop("failure", UNSET))

        def _parse_retry_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                retry_at_type_0 = datetime.datetime.fromisoformat(data)

                return retry_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        retry_at = _parse_retry_at(d.pop("retry_at", UNSET))

        training_run = cls(
            id=id,
            state=state,
            requested_by=requested_by,
            requested_at=requested_at,
            started_at=started_at,
            finished_at=finished_at,
            holder=holder,
            heartbeat_at=heartbeat_at,
            options=options,
            progress=progress,
            version=version,
            figures=figures,
            error=error,
            failure=failure,
            retry_at=retry_at,
        )

        training_run.additional_properties = d
        return training_run

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
