FROM golang:1.26.5-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY internal ./internal
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o /oom143 .

# A shell and the usual commands: the action's `run` input is a shell script,
# and GitHub's Kubernetes hooks drive the container with sh, tail, env, mv,
# tar, find and stat.
FROM busybox:1.37.0-musl
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /oom143 /oom143
ENTRYPOINT ["/oom143", "action"]
