/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Polycube's REST API: monitors are "cubes" of the service "dynmon", below /polycube/v1 or without
 * this prefix. This layer does not receive requests itself: http_exchange.c passes them.
 *
 * A table in rest.c defines all paths. The operations are those of the registry, as for the verbs.
 * Any number of threads may run requests concurrently. A request that changes something returns
 * when the change is complete.
 */
#ifndef DYNMON_SERVE_REST_H
#define DYNMON_SERVE_REST_H

#include "serve/http_message.h"

/**
 * rest_run() - run a request
 * @request:  the complete request
 * @answer:   zeroed; receives the answer, for http_answer_release()
 *
 * Sets an answer in every case.
 */
void rest_run(const struct http_request *request, struct http_answer *answer);

/**
 * rest_refuse() - refuse a request before its body is read
 * @request:  without a body
 * @answer:   zeroed; receives the answer, for http_answer_release()
 *
 * Return: true if the request has an answer that does not depend on its body, such as an error.
 */
bool rest_refuse(const struct http_request *request, struct http_answer *answer);

#endif
