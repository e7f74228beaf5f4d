"""From a match to a joint approach: people's decisions, the handshake with the other side, the contract.

casebook, tables, papers            what is on file
review                              four eyes
turn, desk                          what people do: reviewing, approaches, together are its parts
cases, model                        what they see
moves, sending                      what we say, signed
entries, letters                    what the coordinator entered and what the other side wrote
"""
