/* The limit: a process that only calls send() on N sockets.
 *
 *   bare_send SOCKETS FRAME_BYTES
 *
 * Prints the port, accepts SOCKETS connections, then copies each frame of FRAME_BYTES that the first of them sends
 * to all of them. Ends when the first one closes. No server that writes to each socket by itself can cost less.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bare_send SOCKETS FRAME_BYTES\n");
        return 2;
    }
    int sockets = atoi(argv[1]), frame = atoi(argv[2]), one = 1;
    int *fds = calloc(sockets > 0 ? sockets : 1, sizeof *fds);
    char *buffer = malloc(frame > 0 ? frame : 1);
    if (sockets < 1 || frame < 1 || !fds || !buffer)
        return 2;

    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)
        || getsockname(listener, (struct sockaddr *)&address, &length))
        fail("listen");
    printf("{\"event\": \"listening\", \"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);

    for (int i = 0; i < sockets; i++) {
        if ((fds[i] = accept(listener, NULL, NULL)) < 0)
            fail("accept");
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    for (;;) {
        for (int have = 0; have < frame;) {
            ssize_t got = recv(fds[0], buffer + have, frame - have, 0);
            if (got <= 0)
                return 0;
            have += got;
        }
        for (int i = 0; i < sockets; i++)
            if (send(fds[i], buffer, frame, MSG_NOSIGNAL) != frame)
                fail("send");
    }
}
